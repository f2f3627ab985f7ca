"""Peak compute and memory of devices.

Peaks are dense: NVIDIA prints figures with sparsity for Hopper and later, twice as high, that no
training reaches. Dividing by another device's peak gives utilizations above 100 %, so a device
that is not in this table has no utilization at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from llmtrain_api.spec.training import Precision

CPU = "cpu"

_MIB = 2**20


@dataclass(frozen=True)
class Device:
    """One accelerator, or the CPU cores of one worker."""

    name: str
    bf16_flops: float
    """Dense peak of bf16 matrix products with fp32 sums, in FLOPs per second."""
    fp32_flops: float
    """Peak of fp32 without TF32, which torch leaves off by default, in FLOPs per second."""
    memory_bytes: int
    driver_names: tuple[str, ...] = ()
    """Name in CUDA."""

    def peak_flops(self, precision: Precision) -> float:
        """FLOPs per second at best; with fp8 those of bf16, in which all but some products run."""
        return self.fp32_flops if precision is Precision.FP32 else self.bf16_flops

    @property
    def is_cpu(self) -> bool:
        """Whether device memory and host memory are the same."""
        return self.name == CPU


# Memory is what nvidia-smi reports as total, in MiB: less than the name says.
GPUS: Mapping[str, Device] = {
    device.name: device
    for device in (
        # NVIDIA A100 datasheet (2021)
        Device(
            "a100-40gb",
            312e12,
            19.5e12,
            40_960 * _MIB,
            ("NVIDIA A100-SXM4-40GB", "NVIDIA A100-PCIE-40GB"),
        ),
        Device(
            "a100-80gb",
            312e12,
            19.5e12,
            81_920 * _MIB,
            ("NVIDIA A100-SXM4-80GB", "NVIDIA A100 80GB PCIe"),
        ),
        # NVIDIA H100 datasheet (2023): 1,979 (SXM) and 1,513 (PCIe) TFLOPS with sparsity
        Device("h100-sxm", 989e12, 67e12, 81_559 * _MIB, ("NVIDIA H100 80GB HBM3",)),
        Device("h100-pcie", 756e12, 51e12, 81_559 * _MIB, ("NVIDIA H100 PCIe",)),
        # NVIDIA H200 datasheet (2023): the H100 SXM's compute
        Device("h200", 989e12, 67e12, 143_771 * _MIB, ("NVIDIA H200",)),
        # NVIDIA Blackwell datasheet (2024): 4.5 PFLOPS with sparsity in an HGX B200
        Device("b200", 2_250e12, 75e12, 183_359 * _MIB, ("NVIDIA B200",)),
        # NVIDIA L4 datasheet (2023): 242 TFLOPS with sparsity
        Device("l4", 121e12, 30.3e12, 23_034 * _MIB, ("NVIDIA L4",)),
        # NVIDIA L40S datasheet (2023): 733 TFLOPS with sparsity, 362 without
        Device("l40s", 362e12, 91.6e12, 46_068 * _MIB, ("NVIDIA L40S",)),
        # NVIDIA A10G, as in AWS G5: 140 TFLOPS with sparsity
        Device("a10g", 70e12, 31.5e12, 23_028 * _MIB, ("NVIDIA A10G",)),
    )
}


def gpu_by_driver_name(name: str) -> Device | None:
    """The GPU that CUDA calls so; None where it is not in the table."""
    return next((device for device in GPUS.values() if name in device.driver_names), None)


_CPU_CORE_FLOPS = 80e9
"""AVX2: two fused multiply-adds of 8 fp32 numbers a cycle at 2.5 GHz. bf16 is assumed no faster,
though cores with AMX are."""


def cpu_device(cores: int, memory_bytes: int) -> Device:
    """The CPU cores of one worker as a device."""
    peak = cores * _CPU_CORE_FLOPS
    return Device(CPU, peak, peak, memory_bytes)
