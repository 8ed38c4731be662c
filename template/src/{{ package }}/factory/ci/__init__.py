"""What only pipelines do: report results, open pull requests and issues, update the template."""
