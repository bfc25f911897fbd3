"""What makes a training sparse: methods, the stages that they consist of, masks, scores.

Imports ``config`` and ``base``. A method's file knows no other method.
"""
