"""Makes models.json beside it with Keras 3 (pip install keras jax h5py; KERAS_BACKEND=jax): models as .keras, legacy .h5 and .weights.h5,
deflated in base64, each with inputs and outputs. Weights are multiples of 1/64."""
import base64, json, os, tempfile, zlib
os.environ['KERAS_BACKEND'] = 'jax'
import keras, numpy as np
from keras import Input, Model, Sequential, layers as L, ops

rng = np.random.RandomState(5)
X = lambda *s: (np.round(rng.randn(*s) * 64) / 64).astype('f4')
J = lambda a: {'shape': list(a.shape), 'data': np.asarray(a, dtype='f4').reshape(-1).tolist()}
out = {}

def saved(model, ending):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'model' + ending)
        model.save_weights(path) if 'weights' in ending else model.save(path)
        return base64.b64encode(zlib.compress(open(path, 'rb').read(), 9)).decode()

def case(name, model, *x, endings=('.keras', '.h5', '.weights.h5')):
    weights = [w.value for w in model.weights]
    for w in model.weights:
        if 'seed' in w.path or w.dtype != 'float32': continue
        v = np.round(rng.randn(*w.shape) * 24) / 64
        if 'variance' in w.path: v = np.abs(v) + .5
        w.assign(v)
    y = model.predict(list(x) if len(x) > 1 else x[0], verbose=0)
    ys = list(y.values()) if isinstance(y, dict) else y if isinstance(y, (list, tuple)) else [y]
    out[name] = {**{e: saved(model, e) for e in endings}, 'x': [J(v) for v in x], 'y': [J(v) for v in ys], 'keras': keras.__version__}
    keras.utils.clear_session()

m = Sequential([Input((5,)), L.Dense(7, 'relu', kernel_regularizer='l2'), L.Dropout(.3), L.Dense(4, activation='gelu'), L.Dense(3, 'softmax', name='out')])
m.compile('adam', 'categorical_crossentropy', metrics=['accuracy'])
m.fit(X(8, 5), np.eye(3)[rng.randint(3, size=8)], verbose=0)
case('mlp', m, X(4, 5))

x = Input((8, 8, 3)); y = L.Rescaling(1 / 4)(x)
y = L.Conv2D(4, 3, strides=2, padding='same', use_bias=False)(y); y = L.BatchNormalization()(y); y = L.ReLU(6.)(y)
y = L.DepthwiseConv2D(3, padding='same', depth_multiplier=2)(y); y = L.LeakyReLU(.1)(y); y = L.SeparableConv2D(5, 2)(y)
y = L.ZeroPadding2D(((1, 0), (0, 1)))(y); y = L.MaxPooling2D(2)(y); y = L.UpSampling2D(2, interpolation='bilinear')(y)
y = L.Conv2DTranspose(3, 3, strides=2)(y); y = L.Cropping2D(1)(y); y = L.SpatialDropout2D(.1)(y); z = L.GlobalAveragePooling2D()(y)
case('images', Model(x, L.Dense(3)(z)), X(2, 8, 8, 3))

x = Input((10, 3)); y = L.Conv1D(4, 3, padding='causal', dilation_rate=2, activation='tanh')(x); y = L.PReLU(shared_axes=[1])(y)
y = L.ZeroPadding1D(1)(y); y = L.AveragePooling1D(2)(y); y = L.LayerNormalization(epsilon=1e-5)(y); y = L.Permute((2, 1))(y); y = L.Reshape((-1, 2))(y)
y = L.GroupNormalization(2)(y); y = L.RMSNormalization()(y); y = L.UnitNormalization()(y); y = L.ELU()(y); y = L.SeparableConv1D(4, 3)(y)
case('signals', Model(x, [L.Flatten()(y), L.GlobalMaxPooling1D()(y)]), X(2, 10, 3))

ids = Input((6,), dtype='int32'); y = L.Embedding(11, 5, mask_zero=True)(ids)
y = L.Bidirectional(L.LSTM(4, return_sequences=True))(y); y = L.TimeDistributed(L.Dense(3, 'relu'))(y); y, h = L.GRU(4, return_sequences=True, return_state=True)(y)
case('sequences', Model(ids, L.Concatenate()([L.SimpleRNN(3, activation='relu')(y), L.GRU(2, reset_after=False, recurrent_activation='hard_sigmoid')(y), h])), np.array([[1, 2, 3, 4, 10, 9], [3, 2, 1, 0, 0, 0]], 'f4'))

x = Input((4, 6)); v = Input((5, 6))
a = L.MultiHeadAttention(2, 3, name='self')(x, x, use_causal_mask=True)
b = L.MultiHeadAttention(2, 3, use_bias=False)(query=L.Add()([x, a]), value=v, key=v)
c = L.Attention(use_scale=True)([b, v]); d = L.AdditiveAttention()([c, v])
case('attention', Model([x, v], L.LayerNormalization()(d)), X(2, 4, 6), X(2, 5, 6))

inner = Sequential([Input((4,)), L.Dense(4, 'tanh'), L.Dense(3)], name='encoder')
i2 = Input((3,)); twice = Model(i2, [L.Dense(2)(i2), L.BatchNormalization()(i2)], name='heads')
a, b = Input((4,), name='left'), Input((4,), name='right')
shared = L.Dense(4, name='shared')
p, q = inner(shared(a)), inner(shared(b)); r, s = twice(L.Subtract()([p, q]))
case('nested', Model([a, b], [L.Dense(1)(L.Multiply()([p, q])), L.Concatenate()([r, s])]), X(3, 4), X(3, 4))

x = Input((3,)); short = L.Dense(4)(x); long = L.Dense(4)(L.Dense(4)(L.Dense(4, 'tanh')(x)))
case('branches', Model(x, L.Concatenate()([short, long, L.Dense(2)(short)])), X(4, 3))
norm = L.Normalization(mean=[1., 2, 0], variance=[2., 1, 4]); x = Input((3,)); case('normalization', Model(x, L.Dense(2)(norm(x))), X(4, 3))
x = Input((3, 4, 4, 2)); case('films', Model(x, L.Conv3D(2, 2)(x)), X(1, 3, 4, 4, 2))
x = Input((3, 4, 4, 2)); case('convLstm', Model(x, L.ConvLSTM2D(2, 3, padding='same')(x)), X(1, 3, 4, 4, 2))
x = Input((4,)); y = L.Dense(4)(x)
case('operations', Model(x, L.Lambda(lambda t: t * 2)(ops.relu(y + x))), X(1, 4), endings=('.keras',))
x, z = Input((4, 6)), Input((4, 6)); y = (x + z) * 2. - ops.maximum(x, z) / 4.; y = 1. - y; y = ops.relu(y) + ops.gelu(x, approximate=False) + ops.gelu(z)
y = y * np.arange(1, 7, dtype='f4') / 8; y = ops.clip(y, 0., 6.) + ops.leaky_relu(x, .1) + ops.elu(z, 1.5); y = 2. / (1. + ops.square(y)) + ops.sqrt(ops.absolute(x)) - ops.exp(-ops.abs(z))
y = ops.concatenate([y, ops.softmax(x, axis=1)], axis=-1); m = ops.mean(y, axis=1, keepdims=True); v = ops.mean(ops.power(y - m, 2), axis=[1], keepdims=True); y = (y - m) / ops.sqrt(v + .25)
t = ops.matmul(ops.transpose(y, (0, 2, 1)), y); t = ops.reshape(t, (-1, 12, 3, 4)); t = ops.squeeze(ops.expand_dims(t, 1), 1)
case('arithmetic', Model([x, z], [L.Dense(3)(y), ops.max(t, axis=(2, 3)) + ops.min(ops.sum(t, -1), axis=-1)]), X(2, 4, 6), X(2, 4, 6), endings=('.keras',))
x = Input((4,)); y = ops.cumsum(x, axis=1); case('unknown', Model(x, ops.sort(y) + L.Lambda(lambda t: t * 2)(x)), X(1, 4), endings=('.keras',))
json.dump(out, open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'models.json'), 'w'), separators=(',', ':'))
