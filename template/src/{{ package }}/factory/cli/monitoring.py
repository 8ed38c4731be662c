"""Commands that watch a model in production."""
