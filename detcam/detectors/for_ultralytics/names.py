"""The names of ultralytics' published checkpoints."""

YOLO_PATTERNS = {  # a published name for each size
    "yolov3{}u": ("", "-spp", "-tiny"), "yolov5{}u": "nsmlx", "yolov5{}6u": "nsmlx", "yolov8{}": "nsmlx",
    "yolov9{}": "tsmce", "yolov10{}": "nsmblx", "yolo11{}": "nsmlx", "yolo12{}": "nsmlx", "yolo26{}": "nsmlx",
    "yolov8{}-seg": "nsmlx", "yolov9{}-seg": "ce", "yolo11{}-seg": "nsmlx", "yolo26{}-seg": "nsmlx",
    "yolov8{}-pose": "nsmlx", "yolo11{}-pose": "nsmlx", "yolo26{}-pose": "nsmlx", "rtdetr-{}": "lx",
}
YOLO_NAMES = tuple(f"{pattern.format(size)}.pt" for pattern, sizes in YOLO_PATTERNS.items() for size in sizes)
RTDETR_NETWORK = "RTDETRDetectionModel"  # ultralytics' class of the network inside of an RTDETR
