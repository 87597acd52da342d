"""The night: poll, observe, rate, gate, draft, push, read back."""
