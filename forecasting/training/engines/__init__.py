"""Training engines: one interface, several ways to make an optimizer step.

base             choice of the engine
capabilities     networks that need no torch layers
torch_engine     torch modules and gradients, every network and device
compiled_engine  compiled loops, small networks on the CPU
stacked_engine   several members as one batched network on a GPU
cuda_graph       gradients replayed from a CUDA graph
distributed      gradients shared by several processes
"""
