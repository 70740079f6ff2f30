"""Real servers, the whole stack and loads on them, each as a context manager that ends what it started."""
