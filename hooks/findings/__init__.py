"""What an inventory of projects leaves to do: for whom, how urgent, and what projects have in common."""
