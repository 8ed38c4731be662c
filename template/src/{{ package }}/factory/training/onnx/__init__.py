"""Features and estimators as ONNX graphs."""
