"""The vocabulary: frozen types, standard library only, no input or output, no clock."""
