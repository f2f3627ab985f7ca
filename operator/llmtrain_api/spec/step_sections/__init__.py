"""The settings of the steps of the data section, by subject."""
