"""Models, found by name; what they have in common is in ``contract.py``.

Imports ``config`` and ``base``.
"""

from sparsetune.config.registry import Registry

_HERE = "sparsetune.models"

MODELS = Registry(
    "model",
    {
        "alexnet": f"{_HERE}.alexnet:AlexNet",
        "conv2": f"{_HERE}.plain_conv:Conv2",
        "conv4": f"{_HERE}.plain_conv:Conv4",
        "conv6": f"{_HERE}.plain_conv:Conv6",
        "conv8": f"{_HERE}.plain_conv:Conv8",
        "convnext_base": f"{_HERE}.convnext_base:ConvNextBase",
        "densenet121": f"{_HERE}.densenet121:DenseNet121",
        "fc": f"{_HERE}.fc:Fc",
        "lenet5": f"{_HERE}.lenet5:Lenet5",
        "lenet5_caffe": f"{_HERE}.lenet5_caffe:Lenet5Caffe",
        "lenet5_tanh": f"{_HERE}.lenet5_tanh:Lenet5Tanh",
        "lenet_300_100": f"{_HERE}.fc:Lenet300",
        "lenet_sbcube": f"{_HERE}.lenet_sbcube:LenetSbcube",
        "mlp": f"{_HERE}.mlp:Mlp",
        "resnet18": f"{_HERE}.resnet:ResNet18",
        "resnet20": f"{_HERE}.resnet:ResNet20",
        "resnet50": f"{_HERE}.resnet:ResNet50",
        "vgg16": f"{_HERE}.vgg16:Vgg16",
        "vit_b_16": f"{_HERE}.vit_b_16:VitB16",
    },
)
