"""Gets data sets from where their makers keep them. The only room that downloads."""
