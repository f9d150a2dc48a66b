import pathlib
import tracemalloc
import zlib

import numpy as np
import scipy.io
from absl.testing import parameterized

from dtn_tf.data import mat
from tests import testing

ALL = {"X": 10**7, "y": 10**7}


def _save(folder, compressed, **content):
    path = pathlib.Path(folder) / "some.mat"
    scipy.io.savemat(path, content, do_compression=compressed)
    return path


class MatTest(testing.TestCase):
    @parameterized.product(
        compressed=(False, True),
        dtype=(np.uint8, np.int8, np.int16, np.uint16, np.int32, np.uint32, np.float32, float),
        shape=((1, 1), (3, 1), (2, 3, 4, 5), (7, 0)),
    )
    def test_reads_what_scipy_reads(self, compressed, dtype, shape):
        x = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
        path = _save(self.directory, compressed, X=x, other=np.ones(5), y=x[:1])
        found, expected = mat.read(path, ALL), scipy.io.loadmat(path)
        for name in ("X", "y"):
            self.assertEqual(found[name].dtype, expected[name].dtype)
            np.testing.assert_array_equal(found[name], expected[name])
        self.assertCountEqual(found, ("X", "y"))

    def test_the_other_byte_order_is_read_too(self):
        def element(kind, data):
            return np.array([kind, len(data)], ">u4").tobytes() + data + b"\0" * (-len(data) % 8)

        x = np.arange(6, dtype=">i2").reshape(2, 3)
        body = element(6, np.array([10, 0], ">u4").tobytes())
        body += element(5, np.array(x.shape, ">i4").tobytes()) + element(1, b"X")
        body += element(3, x.tobytes("F"))
        path = self.directory / "big.mat"
        path.write_bytes(b"MATLAB".ljust(124) + b"\1\0MI" + element(14, body))
        np.testing.assert_array_equal(mat.read(path, ALL)["X"], x)

    @parameterized.named_parameters(
        ("text", {"X": "words"}),
        ("cells", {"X": np.array([1, "a"], object)}),
        ("complex", {"X": np.ones(3, complex)}),
        ("structure", {"X": {"a": 1}}),
    )
    def test_what_is_no_array_of_numbers_is_refused(self, content):
        path = _save(self.directory, False, **content)
        with self.assertRaisesRegex(ValueError, "X is no array of real numbers"):
            mat.read(path, ALL)

    @parameterized.parameters(False, True)
    def test_more_than_is_allowed_is_refused(self, compressed):
        path = _save(self.directory, compressed, X=np.zeros((10, 11), np.uint8))
        self.assertLen(mat.read(path, {"X": 110})["X"], 10)
        with self.assertRaisesRegex(ValueError, "X has 110 bytes, at most 109"):
            mat.read(path, {"X": 109})

    @parameterized.parameters(True, False)
    def test_a_bomb_is_not_unpacked(self, is_honest):
        """64 MB of zeros in 64 KB; the header says so, or asks for few and sends more."""
        path = _save(self.directory, True, X=np.zeros((1 << 26, 1), np.uint8))
        if not is_honest:
            self._rewrite(path, lambda data: data.replace(*self._dims(1 << 26, 1000)))
        self.assertLess(path.stat().st_size, 100_000)
        tracemalloc.start()
        try:
            with self.assertRaises(ValueError):
                mat.read(path, {"X": 10_000})
            self.assertLess(tracemalloc.get_traced_memory()[1], 3 << 20)
        finally:
            tracemalloc.stop()

    def test_data_that_goes_on_behind_the_array_is_refused_unread(self):
        path = _save(self.directory, True, X=np.zeros((1000, 1), np.uint8))
        self._rewrite(path, lambda data: data + bytes(1 << 26))
        with self.assertRaisesRegex(ValueError, "goes on after its end"):
            mat.read(path, ALL)

    def test_no_flipped_byte_of_compressed_data_changes_the_array(self):
        x = np.random.default_rng(0).integers(0, 256, (20, 1), np.uint8)
        path = _save(self.directory, True, X=x)
        whole = path.read_bytes()
        for k in range(136, len(whole)):
            path.write_bytes(whole[:k] + bytes([whole[k] ^ 0x10]) + whole[k + 1 :])
            try:
                found = mat.read(path, ALL)
            except (ValueError, zlib.error):
                continue
            if "X" in found:  # else its name is another one
                np.testing.assert_array_equal(found["X"], x)

    def test_every_cut_file_is_noticed(self):
        for compressed in (False, True):
            whole = _save(self.directory, compressed, X=np.ones((5, 5), np.uint8)).read_bytes()
            for length in [*range(128), *range(129, len(whole))]:
                path = self.directory / "cut.mat"
                path.write_bytes(whole[:length])
                with self.assertRaises((ValueError, zlib.error)):
                    mat.read(path, ALL)

    def _dims(self, old, new):
        return np.array(old, "<i4").tobytes(), np.array(new, "<i4").tobytes()

    def _rewrite(self, path, change):
        """Changes the unpacked data of a file of one compressed variable."""
        content = path.read_bytes()
        data = zlib.compress(change(zlib.decompress(content[136:])))
        tag = np.array([15, len(data)], "<u4").tobytes()
        path.write_bytes(content[:128] + tag + data)
