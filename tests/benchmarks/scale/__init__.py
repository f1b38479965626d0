"""Scale on paper: the product's planner and wheel in simulated time (`make scale`)."""
