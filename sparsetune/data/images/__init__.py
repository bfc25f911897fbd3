"""Images in files of a user's, from their names to arrays in the store: listed, decoded, turned, resized, judged."""
