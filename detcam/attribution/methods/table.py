"""The table of attribution methods: one file and one line for each method, imported when it is first used."""

from detcam.attribution.method import CHANNEL, LAYER, MASKED, PATH, PIXEL, SCORED, Cost, Entry

METHODS = {
    "hirescam": Entry("detcam.attribution.methods.hirescam:hirescam", LAYER, "Draelos and Carin 2020, eq. 4",
                      "Gradient times activation, summed over the channels. It keeps the gradient's position, so the "
                      "map shows the evidence for this box alone. The default.",
                      Cost(1), "For every box, first."),
    "odam": Entry("detcam.attribution.methods.hirescam:hirescam", LAYER, "Zhao et al. 2023, eq. 5",
                  "The same map as hirescam, under its name in the detection literature.",
                  Cost(1), "To compare with the detection literature."),
    "conductance": Entry("detcam.attribution.methods.conductance:conductance", PATH,
                         "Dhamdhere et al. 2018, eq. 2 and 3",
                         "Gradient times the change of the activation, summed over four steps from a blurred to the "
                         "sharp photograph. It shows what raised the score on the way, not what would change it now.",
                         Cost(5), "Where the score is saturated, so that its gradient says little."),
    "gradcam": Entry("detcam.attribution.methods.gradcam:gradcam", LAYER, "Selvaraju et al. 2017, eq. 1 and 2",
                     "Channels weighted by the mean of their gradient over the map. The mean loses the box's position: "
                     "other objects of the class are highlighted too.",
                     Cost(1), "To compare with published figures, not to explain a box."),
    "layercam": Entry("detcam.attribution.methods.layercam:layercam", LAYER, "Jiang et al. 2021, section III.B",
                      "Positive gradient times activation, summed over the channels. Nothing cancels out, so half of "
                      "the map is the same for untrained weights: it fails parameter randomization.",
                      Cost(1), "For comparison, not as evidence.", fails_randomization=True),
    "ssgradcam": Entry("detcam.attribution.methods.ssgradcam:ssgradcam", LAYER, "Yamauchi and Ishikawa 2022",
                       "Grad-CAM with each channel multiplied by the size of its gradient at every position. This "
                       "restores the box's position, so the map shows the evidence for this box.",
                       Cost(1), "As a second opinion beside hirescam."),
    "gradcam++": Entry("detcam.attribution.methods.gradcampp:gradcampp", LAYER, "Chattopadhay et al. 2018, eq. 19",
                       "Grad-CAM with only positive gradients, weighted by eq. 19 of the paper. Like Grad-CAM it loses "
                       "the box's position, and it fails parameter randomization.",
                       Cost(1), "To compare with published figures, not to explain a box.",
                       needs="activations that are never negative (ReLU); with others its weights can explode",
                       fails_randomization=True),
    "ssgradcam++": Entry("detcam.attribution.methods.ssgradcampp:ssgradcampp", LAYER, "Yamauchi 2024",
                         "Grad-CAM++ with each channel multiplied by the size of its gradient at every position, which "
                         "restores the box's position. Nothing cancels out, and it fails parameter randomization.",
                         Cost(1), "To compare with the detection literature, not as evidence.",
                         needs="activations that are never negative (ReLU); with others its weights can explode",
                         fails_randomization=True),
    "xgradcam": Entry("detcam.attribution.methods.xgradcam:xgradcam", LAYER, "Fu et al. 2020, eq. 7 and 8",
                      "Grad-CAM with each channel's gradient averaged by its activations. Like Grad-CAM it loses the "
                      "box's position.",
                      Cost(1), "To compare with published figures, not to explain a box.",
                      needs="activations that are never negative (ReLU); with others its weights can explode"),
    "gcame": Entry("detcam.attribution.methods.gcame:gcame", LAYER, "Nguyen et al. 2023, section 3",
                   "Grad-CAM with each channel multiplied by a Gaussian around its largest gradient. The map lies "
                   "around the box's own cell by construction.",
                   Cost(1), "To compare with the detection literature. A map on the object proves nothing here."),
    "eigencam": Entry("detcam.attribution.methods.eigencam:eigencam", LAYER, "Muhammad and Yeasin 2020, eq. 2 and 3",
                      "The first principal component of the activations. It uses no gradient, so every box gets the "
                      "same map, and it fails parameter randomization.",
                      Cost(1), "To see what a layer responds to, never to explain a box.",
                      sees_box=False, fails_randomization=True),
    "cam": Entry("detcam.attribution.methods.cam:cam", LAYER, "Zhou et al. 2016, eq. 2",
                 "Channels weighted by the linear layer after global average pooling. It is exact for classifiers that "
                 "end so; detectors do not.",
                 Cost(1), "For classifiers that end in global average pooling and one linear layer.",
                 needs="a classifier with global average pooling and a linear head, and the layer that is pooled"),
    "scorecam": Entry("detcam.attribution.methods.scorecam:scorecam", CHANNEL, "Wang et al. 2020, algorithm 1",
                      "Channels weighted by the box's score on the photograph masked with each channel: one forward "
                      "pass for each channel, no gradient. The weights have no position and no sign, so other objects "
                      "are highlighted too, and it fails parameter randomization. Layer 'depth' means the box's own "
                      "level.",
                      Cost("channels", box_backwards=0), "To compare with published figures, not as evidence.",
                      fails_randomization=True),
    "ablationcam": Entry("detcam.attribution.methods.ablationcam:ablationcam", CHANNEL,
                         "Desai and Ramaswamy 2020, eq. 3 and 4",
                         "Channels weighted by how much the box's score drops without each channel: one forward pass "
                         "for each channel, no gradient. The weights have no position, so other objects are "
                         "highlighted too, and it fails parameter randomization. Layer 'depth' means the box's own "
                         "level.",
                         Cost("channels", box_backwards=0), "To check Grad-CAM's weights without gradients.",
                         fails_randomization=True),
    "gradient": Entry("detcam.attribution.methods.gradient:gradient", PIXEL, "Simonyan et al. 2014, section 3",
                      "How much a small change of each pixel changes the target. Sharp, local and noisy.",
                      Cost(1), "To check a layer's map against the pixels."),
    "gradient_x_input": Entry("detcam.attribution.methods.gradient_x_input:gradient_x_input", PIXEL,
                              "Shrikumar et al. 2016, section 3",
                              "The gradient times the pixel's RGB value (0 to 1). Black pixels get no attribution, and "
                              "much of the map is the photograph itself: it fails parameter randomization.",
                              Cost(1), "To compare with integrated_gradients, not as evidence.",
                              fails_randomization=True, adds_up=True),
    "smoothgrad": Entry("detcam.attribution.methods.smoothgrad:smoothgrad", PIXEL, "Smilkov et al. 2017, section 3",
                        "The gradient averaged over noisy copies of the photograph. Less noise, as many more passes.",
                        Cost(25, box_backwards=25), "To check a layer's map against the pixels, with less noise."),
    "smoothgrad_squared": Entry("detcam.attribution.methods.smoothgrad_squared:smoothgrad_squared", PIXEL,
                                "Hooker et al. 2019, section 3.1",
                                "The squared gradient averaged over noisy copies of the photograph. Gradients that "
                                "change their sign between copies do not cancel out, and few regions stand out.",
                                Cost(25, box_backwards=25), "Where smoothgrad averages too much away."),
    "vargrad": Entry("detcam.attribution.methods.vargrad:vargrad", PIXEL, "Adebayo et al. 2018, section 2",
                     "The variance of the gradient over noisy copies of the photograph: how much it varies, not how "
                     "large it is.",
                     Cost(25, box_backwards=25), "Beside smoothgrad, to see where the gradient is unstable."),
    "integrated_gradients": Entry("detcam.attribution.methods.integrated_gradients:integrated_gradients", PIXEL,
                                  "Sundararajan et al. 2017, eq. 1",
                                  "The gradient integrated from a black image to the photograph. The map adds up to "
                                  "the change of the target on the way; where the target changes abruptly, that takes "
                                  "about three times the passes. Black pixels get no attribution, and it fails "
                                  "parameter randomization.",
                                  Cost(101, box_backwards=50), "Where the attributions have to add up to the score.",
                                  fails_randomization=True, adds_up=True),
    "blur_ig": Entry("detcam.attribution.methods.blur_ig:blur_ig", PIXEL, "Xu et al. 2020, eq. 5",
                     "The gradient integrated from a blurred to the sharp photograph. The map adds up to the change of "
                     "the target on the way, and pixels of every colour can have an attribution.",
                     Cost(201, box_backwards=100),
                     "Where the attributions have to add up, and black pixels matter.", adds_up=True),
    "guided_ig": Entry("detcam.attribution.methods.guided_ig:guided_ig", PIXEL, "Kapishnikov et al. 2021, algorithm 1",
                       "Integrated gradients on a path that changes pixels with small gradients first, for less noise "
                       "off the object. It is slow, since every box has its own path. On detectors 200 steps are too "
                       "few for the map to add up, and it fails parameter randomization.",
                       Cost(0, box_forwards=200, box_backwards=200),
                       "For a few boxes, where integrated_gradients is too noisy.", fails_randomization=True,
                       adds_up=True),
    "xrai": Entry("detcam.attribution.methods.xrai:xrai", PIXEL, "Kapishnikov et al. 2019, algorithm 1",
                  "Integrated gradients averaged over regions of the photograph. The regions come from the "
                  "photograph's colours, not from the model.",
                  Cost(202, box_backwards=100), "Where single pixels are hard to read.",
                  needs="scikit-image: pip install 'detcam[xrai]'", adds_up=True),
    "guided_backprop": Entry("detcam.attribution.methods.guided_backprop:guided_backprop", PIXEL,
                             "Springenberg et al. 2015, section 3.4",
                             "The gradient with negative values set to 0 at every activation (an approximation for "
                             "SiLU, Hardswish and GELU). Sharp, but mostly the photograph's edges: it fails parameter "
                             "randomization.",
                             Cost(1), "For comparison, not as evidence.", fails_randomization=True),
    "guided_gradcam": Entry("detcam.attribution.methods.guided_gradcam:guided_gradcam", PIXEL,
                            "Selvaraju et al. 2017, section 3.2",
                            "guided_backprop times the positive part of gradcam, at the named layer or at the box's "
                            "own level.",
                            Cost(2, box_backwards=2), "To compare with published figures, not as evidence."),
    "occlusion": Entry("detcam.attribution.methods.occlusion:occlusion", SCORED, "Zeiler and Fergus 2014, section 4.2",
                       "How much the box's score drops while a grey square covers each position. It needs the scores "
                       "alone, no gradient; its resolution is the size of the square.",
                       Cost(361, box_backwards=0), "To check the other methods without gradients.", adds_up=True),
    "drise": Entry("detcam.attribution.methods.drise:drise", MASKED, "Petsiuk et al. 2021, section 3",
                   "How similar the detections on randomly masked copies of the photograph are to this box. It needs "
                   "the detections alone, no gradient; one forward pass for each mask, 5000 by default (--samples).",
                   Cost(5000, box_backwards=0),
                   "For models without gradients, or to check the other methods without them."),
}
