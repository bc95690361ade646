"""What a training leaves on disk: saved models, and finished fits of a job."""
