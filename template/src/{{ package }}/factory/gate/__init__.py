"""What a challenger must show before it reaches users."""
