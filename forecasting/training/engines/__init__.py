"""Training engines: one interface, several ways to make an optimizer step.

base             the interface, and the choice of an engine
capabilities     the reasons that an engine cannot train a network
torch_engine     torch modules and gradients, every network and device
stacked_engine   the same for several members as one batched network, on a GPU
compiled_engine  compiled loops, small networks on the CPU
cuda_graph       gradients of a torch engine, replayed from a CUDA graph
distributed      a torch engine in each of several processes
"""
