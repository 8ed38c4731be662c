"""A release of the template for a whole fleet: proposed in each project, a wave after the other."""
