"""Object storage: a bucket, or a folder that stands for one."""
