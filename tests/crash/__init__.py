"""The crash drill: workloads on a simulated disk, crashed after every operation, recovered, and compared with a model."""
