"""The rows of bench/peers.py, by what they are about."""
