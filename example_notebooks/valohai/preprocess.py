"""Make the digits as dark as those of MNIST: from 0 to 255, whatever the darkest pixel was."""

from digits import OUTPUTS, read_images, read_labels, tell, the_file, write_images, write_labels

sets = {
    name: (read_images(the_file(f"{long}-set-images")), read_labels(the_file(f"{long}-set-labels")))
    for name, long in (("train", "training"), ("test", "test"))
}
darkest = max(max(image) for (_, images), _ in sets.values() for image in images)
for name, ((size, images), labels) in sets.items():
    if len(images) != len(labels):
        raise SystemExit(f"{len(images)} images and {len(labels)} labels of {name}")
    scaled = [[value * 255 // darkest for value in image] for image in images]
    write_images(OUTPUTS / f"mnist-{name}-images.gz", size, scaled)
    write_labels(OUTPUTS / f"mnist-{name}-labels.gz", labels)
tell(**{name: len(labels) for name, (_, labels) in sets.items()}, pixels=size[0] * size[1])
