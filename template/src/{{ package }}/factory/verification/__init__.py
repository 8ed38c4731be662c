"""What a version claims, proven: its record, its data, its model trained again, and the gate."""
