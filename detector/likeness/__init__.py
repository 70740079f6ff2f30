"""What series of one signal and one class of service are like, for those too young to be known by themselves."""
