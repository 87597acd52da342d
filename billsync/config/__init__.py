"""The configuration: one YAML file, checked and explained line by line."""
