"""What a model in service meets: its requests and their outcomes, window by window, against those of its test."""
