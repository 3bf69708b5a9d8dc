"""Use cases of calibration: points fitted to real churn, and predictions by a calibrated scorecard."""
