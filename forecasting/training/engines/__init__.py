"""Training engines: one interface, several implementations of an optimizer step.

base             choice of the engine
capabilities     requirements of the compiled and stacked engines
torch_engine     torch modules and gradients, every network and device
compiled_engine  compiled loops, small networks on the CPU
stacked_engine   several members as one batched network on a GPU
cuda_graph       gradients replayed from a CUDA graph
distributed      data-parallel gradients of several processes
"""
