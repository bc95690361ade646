"""The uvicorn server: worker processes, graceful shutdown, protocol limits.

graceful_server   worker processes and shutdown without a lost request
http_protocol     HTTP parser with bounded heads and half-closed connections
slow_readers      timeout for clients that stop reading
malloc            memory allocator settings
"""
