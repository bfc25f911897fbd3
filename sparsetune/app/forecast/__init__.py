"""What a study will cost, from a few of its configs that are trained for seconds before it starts."""
