"""What a study, a space and a trial may say, and the messages that the other rooms exchange."""
