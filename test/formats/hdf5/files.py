"""Makes files.json beside it with h5py (pip install h5py): files deflated in base64, each with the numbers or texts at some paths."""
import base64, io, json, os, zlib
import h5py, numpy as np

out = {}
def case(name, fill, **options):
    at = io.BytesIO()
    with h5py.File(at, 'w', **options) as f: fill(f)
    wanted = {}
    with h5py.File(at, 'r') as f:
        def visit(path, node):
            if isinstance(node, h5py.Dataset): wanted[path] = {'shape': list(node.shape), 'data': np.asarray(node[()], dtype=np.float64).reshape(-1).tolist()}
        f.visititems(visit)
    out[name] = {'file': base64.b64encode(zlib.compress(at.getvalue(), 9)).decode(), 'datasets': wanted}

ramp = lambda *shape: (np.arange(np.prod(shape, dtype=int)) / 4 - 1).reshape(shape).astype('f4')
def kinds(f):
    for dtype in ('f2', 'f4', 'f8', '>f4', 'i1', 'u1', 'i2', 'i4', 'i8', 'u4', '?'): f['types/' + dtype.replace('>', 'big ')] = (np.arange(6).reshape(2, 3) % 2 if dtype == '?' else np.arange(6).reshape(2, 3)).astype(dtype)
    f['scalar'] = np.float32(2.5)
    f['empty'] = np.zeros((0, 3), 'f4')
    f.create_dataset('written never', (4,), 'f4', chunks=(2,))
def chunked(f):
    f.create_dataset('plain', data=ramp(7, 5), chunks=(3, 2))
    f.create_dataset('gzip', data=ramp(7, 5, 3), chunks=(3, 2, 3), compression='gzip')
    f.create_dataset('shuffled', data=ramp(33), chunks=(8,), compression='gzip', shuffle=True, fletcher32=True)
    f.create_dataset('many', data=ramp(300), chunks=(2,))
def attributes(f):
    f.attrs['text'] = 'a text'
    f.attrs['bytes'] = b'{"a": "' + b'x' * 70000 + b'"}'
    f.attrs['list'] = np.array([b'one', b'three'])
    f.attrs['texts'] = ['eins', 'zw\u00f6lf']
    f.attrs['number'] = 3
    f['a/b/c'] = ramp(2)
    f['a'].attrs['name'] = 'inner'
def wide(f):
    for i in range(300): f[f'layers/dense_{i}'] = ramp(1) + i
case('types', kinds)
case('chunks', chunked)
case('attributes', attributes)
case('wide', wide)
case('new', lambda f: (f.create_dataset('a/b', data=ramp(2, 2)), f.attrs.__setitem__('text', 'new')), libver='latest')
json.dump(out, open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'files.json'), 'w'), separators=(',', ':'))
