"""Data sets: tensors that live on the training device, decoded once a process."""
