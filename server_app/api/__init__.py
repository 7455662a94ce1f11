"""The gRPC API: `proto.API/Query` and `VFSGetBuffer` over mutual TLS."""
