"""What `make soak` is made of: a drill that is killed, lives drawn from a seed, and the laws."""
