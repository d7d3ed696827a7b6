"""What PyTorch gives for demo/shakespeare-block8.safetensors, in float64: python3 test/demo/reference.py TEXT [STREAMS].

Writes test/demo/logits64.npy, the logits of demo/sonnets.txt's first 64 bytes, and prints the bits per byte of TEXT as so
many equal contiguous streams (8), states of zeros at the beginning. Needs torch and numpy; made with PyTorch 1.13.
"""
import json
import struct
import sys

import numpy as np
import torch

path = 'demo/shakespeare-block8.safetensors'
raw = open(path, 'rb').read()
(length,) = struct.unpack('<Q', raw[:8])
header = json.loads(raw[8 : 8 + length])
said = json.loads(header.pop('__metadata__')['blockrnn'])
vocab = said['vocab']
kinds = {'F16': np.float16, 'F32': np.float32}
tensors = {}
for name, entry in header.items():
    begin, end = (8 + length + offset for offset in entry['data_offsets'])
    values = np.frombuffer(raw[begin:end], dtype=kinds[entry['dtype']]).reshape(entry['shape'])
    tensors[name] = torch.tensor(values.astype(np.float64))
embedding, lstm, decoder = said['spec']['layers'] if 'spec' in said else said['layers']
hidden, blocks = lstm['hiddenSize'], lstm['blocks']
units = hidden // blocks

# The same rows with their zeros.
whole = torch.zeros(4 * hidden, hidden, dtype=torch.float64)
for row in range(4 * hidden):
    first = row % hidden // units * units
    whole[row, first : first + units] = tensors[f"{lstm['name']}.weight_hh"][row]
net = torch.nn.LSTM(lstm['inputSize'], hidden).double()
with torch.no_grad():
    net.weight_hh_l0.copy_(whole)
    for field in ('weight_ih', 'bias_ih', 'bias_hh'):
        getattr(net, f'{field}_l0').copy_(tensors[f"{lstm['name']}.{field}"])


def logits(ids):
    with torch.no_grad():
        x = tensors[f"{embedding['name']}.weight"][ids]
        return net(x)[0] @ tensors[f"{decoder['name']}.weight"].T + tensors[f"{decoder['name']}.bias"]


place = {byte: index for index, byte in enumerate(vocab)}
first = open('demo/sonnets.txt', 'rb').read()[:64]
out = logits(torch.tensor([[place[byte]] for byte in first]))[:, 0]
np.save('test/demo/logits64.npy', out.numpy().astype(np.float32))

text = open(sys.argv[1], 'rb').read()
streams = int(sys.argv[2]) if len(sys.argv) > 2 else 8
ids = [place[byte] for byte in text]
each = len(ids) // streams
columns = torch.tensor(ids[: each * streams]).reshape(streams, each).T
scores = torch.log_softmax(logits(columns[:-1]), dim=-1)
nats = -scores.gather(-1, columns[1:].unsqueeze(-1)).mean().item()
print(nats / np.log(2))
