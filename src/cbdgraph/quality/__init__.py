"""The quality of the vocabulary: checks on concepts, names and definitions, and what they found."""
