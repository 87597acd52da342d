"""The rules of billing as pure functions: no input or output, no clock."""
