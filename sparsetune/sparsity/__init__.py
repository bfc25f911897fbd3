"""Methods: what makes a training sparse. Each is a plan of phases and a few hooks; the loop itself is in training/."""
