"""The page that shows a model in production: versions, live performance, drift, operations, data and cost."""
