"""Trackers: what a training stage measures, in TensorBoard, MLflow and Weights & Biases."""
