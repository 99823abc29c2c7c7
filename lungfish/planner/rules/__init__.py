"""The rewrites of logical plans, one to a module; `optimizer.RULES` has them in their order."""
