"""An update of the project to a newer release of the template, and what the project has of its release."""
