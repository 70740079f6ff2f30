"""A small shop made of real parts: gunicorn, PostgreSQL, Redis and memcached."""
