"""Who is told: each file speaks to one channel."""
