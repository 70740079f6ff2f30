"""What is known of each service, all of it bounded: traffic, operations, edges, resources, names, changes."""
