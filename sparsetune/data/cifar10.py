"""CIFAR-10: 32x32 colour images of things and animals.

Source: A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images (2009).
Files:  <root>/cifar-10-batches-py or cifar-10-python.tar.gz, as torchvision leaves them; or the binary version,
        cifar-10-batches-bin or cifar-10-binary.tar.gz.
Splits: 45,000 / 5,000 / 10,000; validation is drawn from the 50,000 training images, each class with its share.
"""

from __future__ import annotations

from typing import Literal

from sparsetune.data.cifar import CifarImages, Layout, read_pickle, read_records
from sparsetune.data.downloaded import DownloadedConfig


class Cifar10Config(DownloadedConfig):
    """Settings of CIFAR-10."""

    name: Literal["cifar10"] = "cifar10"


class Cifar10(CifarImages):
    """45,000 / 5,000 / 10,000 colour images in 10 classes."""

    Config = Cifar10Config
    names = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
    kinds = {"labels": names}
    batches = {"train": [f"data_batch_{number}" for number in range(1, 6)], "test": ["test_batch"]}
    layouts = (
        Layout("cifar-10-batches-py", "", "cifar-10-python.tar.gz", read_pickle),
        Layout("cifar-10-batches-bin", ".bin", "cifar-10-binary.tar.gz", read_records),
    )
