"""The table of attribution methods: one file and one line each, imported when it is first asked for."""

from detcam.attribution.method import CHANNEL, LAYER, MASKED, PATH, PIXEL, SCORED, Cost, Entry

METHODS = {
    "hirescam": Entry("detcam.attribution.methods.hirescam:hirescam", LAYER, "Draelos and Carin 2020, eq. 4",
                      "Gradient times activation, elementwise: belongs to the box. The default.",
                      Cost(1), "First, for every box."),
    "odam": Entry("detcam.attribution.methods.hirescam:hirescam", LAYER, "Zhao et al. 2023, eq. 5",
                  "The same combination under the name the detection literature gives it.",
                  Cost(1), "To compare with the detection literature."),
    "conductance": Entry("detcam.attribution.methods.conductance:conductance", PATH,
                         "Dhamdhere et al. 2018, eq. 2 and 3",
                         "Gradient times change of the activation while the photograph comes into focus, in four "
                         "steps: what made the score, not what would still change it.",
                         Cost(5), "Where the score is saturated and a gradient says little."),
    "gradcam": Entry("detcam.attribution.methods.gradcam:gradcam", LAYER, "Selvaraju et al. 2017, eq. 1 and 2",
                     "Averages the gradient over the map and so forgets which box was asked about: it lights up "
                     "other objects of the class too. A poor choice for boxes, here for comparison.",
                     Cost(1), "To compare with published pictures, not to explain a box."),
    "layercam": Entry("detcam.attribution.methods.layercam:layercam", LAYER, "Jiang et al. 2021, section III.B",
                      "Positive gradient times activation, elementwise. Nothing cancels out, so half of the map is "
                      "there before any training: it fails parameter randomization.",
                      Cost(1), "Not as evidence; for comparison.", fails_randomization=True),
    "ssgradcam": Entry("detcam.attribution.methods.ssgradcam:ssgradcam", LAYER, "Yamauchi and Ishikawa 2022",
                       "Grad-CAM whose weights are given their place back by each channel's own gradient: belongs to "
                       "the box.",
                       Cost(1), "A second opinion beside hirescam."),
    "gradcam++": Entry("detcam.attribution.methods.gradcampp:gradcampp", LAYER, "Chattopadhay et al. 2018, eq. 19",
                       "Grad-CAM with positive gradients alone, each weighted by what eq. 19 makes of it. Forgets "
                       "which box was asked about, as Grad-CAM does, and fails parameter randomization.",
                       Cost(1), "To compare with published pictures, not to explain a box.",
                       needs="activations that are not negative (ReLU); with others weights can burst",
                       fails_randomization=True),
    "ssgradcam++": Entry("detcam.attribution.methods.ssgradcampp:ssgradcampp", LAYER, "Yamauchi 2024",
                         "Grad-CAM++ whose weights are given their place back by each channel's own gradient: belongs "
                         "to the box. Nothing cancels out, and it fails parameter randomization.",
                         Cost(1), "Not as evidence; to compare with the detection literature.",
                         needs="activations that are not negative (ReLU); with others weights can burst",
                         fails_randomization=True),
    "xgradcam": Entry("detcam.attribution.methods.xgradcam:xgradcam", LAYER, "Fu et al. 2020, eq. 7 and 8",
                      "Grad-CAM with gradients averaged where the activation is. Forgets which box was asked about, "
                      "as Grad-CAM does.",
                      Cost(1), "To compare with published pictures, not to explain a box.",
                      needs="activations that are not negative (ReLU); with others weights can burst"),
    "gcame": Entry("detcam.attribution.methods.gcame:gcame", LAYER, "Nguyen et al. 2023, section 3",
                   "Grad-CAM with each channel faded away from the cell of its largest gradient: lies around the box's "
                   "own cell by construction.",
                   Cost(1), "To compare with the detection literature; that it lies well proves nothing."),
    "eigencam": Entry("detcam.attribution.methods.eigencam:eigencam", LAYER, "Muhammad and Yeasin 2020, eq. 2 and 3",
                      "What stands out most among the activations. Does not look at the box: all boxes get the same "
                      "map, and it fails parameter randomization.",
                      Cost(1), "To see what a layer shows at all; never to explain a box.",
                      sees_box=False, fails_randomization=True),
    "cam": Entry("detcam.attribution.methods.cam:cam", LAYER, "Zhou et al. 2016, eq. 2",
                 "The weights of a linear head on globally pooled features, cell by cell: exact, and only there. For "
                 "classifiers; a detector's boxes have none.",
                 Cost(1), "For classifiers that end in global average pooling and one linear layer.",
                 needs="a linear head on globally pooled features, at the layer that is pooled"),
    "scorecam": Entry("detcam.attribution.methods.scorecam:scorecam", CHANNEL, "Wang et al. 2020, algorithm 1",
                      "Weights each channel by the box's score on the photograph seen through it, without gradients: "
                      "a pass a channel, and 'depth' means the box's own level alone. The weights have no place and no "
                      "sign: other objects light up too, and it fails parameter randomization.",
                      Cost("channels", box_backwards=0), "Not as evidence; to compare with published pictures.",
                      fails_randomization=True),
    "ablationcam": Entry("detcam.attribution.methods.ablationcam:ablationcam", CHANNEL,
                         "Desai and Ramaswamy 2020, eq. 3 and 4",
                         "Weights each channel by what the box's score loses without it, without gradients: a pass a "
                         "channel, and 'depth' means the box's own level alone. The weights have no place: other "
                         "objects light up too, and it fails parameter randomization.",
                         Cost("channels", box_backwards=0), "To check Grad-CAM's weights without gradients.",
                         fails_randomization=True),
    "gradient": Entry("detcam.attribution.methods.gradient:gradient", PIXEL, "Simonyan et al. 2014, section 3",
                      "How much each pixel would change the target: sharp, local and noisy.",
                      Cost(1), "To check a layer map against the pixels."),
    "gradient_x_input": Entry("detcam.attribution.methods.gradient_x_input:gradient_x_input", PIXEL,
                              "Shrikumar et al. 2016, section 3",
                              "The gradient times the pixel, RGB in 0..1: black counts as nothing at all and has no "
                              "attribution. Much of the map is the photograph itself: it fails parameter "
                              "randomization.",
                              Cost(1), "Not as evidence; to compare with integrated_gradients.",
                              fails_randomization=True, adds_up=True),
    "smoothgrad": Entry("detcam.attribution.methods.smoothgrad:smoothgrad", PIXEL, "Smilkov et al. 2017, section 3",
                        "The gradient averaged over noisy copies: quieter, and as many times slower.",
                        Cost(25, box_backwards=25), "To check a layer map against the pixels, with less noise."),
    "smoothgrad_squared": Entry("detcam.attribution.methods.smoothgrad_squared:smoothgrad_squared", PIXEL,
                                "Hooker et al. 2019, section 3.1",
                                "The squared gradient averaged over noisy copies: few places stand out, and signs that "
                                "change from copy to copy do not cancel out.",
                                Cost(25, box_backwards=25), "When smoothgrad averages too much away."),
    "vargrad": Entry("detcam.attribution.methods.vargrad:vargrad", PIXEL, "Adebayo et al. 2018, section 2",
                     "How much the gradient varies over noisy copies, not how large it is.",
                     Cost(25, box_backwards=25), "Beside smoothgrad, to see where the gradient is unsteady."),
    "integrated_gradients": Entry("detcam.attribution.methods.integrated_gradients:integrated_gradients", PIXEL,
                                  "Sundararajan et al. 2017, eq. 1",
                                  "The gradient along a path from black: adds up to what the target gains on it, with "
                                  "about three times the passes where most is gained at once. It is multiplied by the "
                                  "photograph, black has no attribution, and it fails parameter randomization.",
                                  Cost(101, box_backwards=50), "When the parts shall add up to the whole.",
                                  fails_randomization=True, adds_up=True),
    "blur_ig": Entry("detcam.attribution.methods.blur_ig:blur_ig", PIXEL, "Xu et al. 2020, eq. 5",
                     "The gradient while the photograph comes into focus: adds up, and no colour is left out.",
                     Cost(201, box_backwards=100), "When the parts shall add up, and black matters.", adds_up=True),
    "guided_ig": Entry("detcam.attribution.methods.guided_ig:guided_ig", PIXEL, "Kapishnikov et al. 2021, algorithm 1",
                       "Integrated gradients on a path that keeps away from high gradients: less noise off the object. "
                       "Every box has a path of its own, so it is slow; on detectors 200 steps are too few for it to "
                       "add up, and it fails parameter randomization.",
                       Cost(0, box_forwards=200, box_backwards=200),
                       "For a few boxes, when integrated_gradients is too noisy.", fails_randomization=True,
                       adds_up=True),
    "xrai": Entry("detcam.attribution.methods.xrai:xrai", PIXEL, "Kapishnikov et al. 2019, algorithm 1",
                  "Integrated gradients of regions, the best ones first: whole parts instead of dots. The regions are "
                  "the photograph's own, whatever the model says.",
                  Cost(202, box_backwards=100), "When dots are hard to read.",
                  needs="scikit-image: pip install 'detcam[xrai]'", adds_up=True),
    "guided_backprop": Entry("detcam.attribution.methods.guided_backprop:guided_backprop", PIXEL,
                             "Springenberg et al. 2015, section 3.4",
                             "The gradient when activations let positive ones alone through; at SiLU, Hardswish, GELU "
                             "an approximation. Sharp, and much of it is the photograph's edges: it fails parameter "
                             "randomization.",
                             Cost(1), "Not as evidence; for comparison.", fails_randomization=True),
    "guided_gradcam": Entry("detcam.attribution.methods.guided_gradcam:guided_gradcam", PIXEL,
                            "Selvaraju et al. 2017, section 3.2",
                            "guided_backprop where gradcam is positive, at the layer that is named, or at the box's "
                            "own level.",
                            Cost(2, box_backwards=2), "To compare with published pictures, not as evidence."),
    "occlusion": Entry("detcam.attribution.methods.occlusion:occlusion", SCORED, "Zeiler and Fergus 2014, section 4.2",
                       "How far the box's own score falls while a grey square hides a place: asks nothing but the "
                       "detector's answers, as finely as the square is large.",
                       Cost(361, box_backwards=0), "To check the others without gradients.", adds_up=True),
    "drise": Entry("detcam.attribution.methods.drise:drise", MASKED, "Petsiuk et al. 2021, section 3",
                   "How much of the box is still found on randomly masked copies: asks nothing but the detector's "
                   "answers, and costs a forward pass a mask, 5000 a photograph unless --samples says fewer.",
                   Cost(5000, box_backwards=0), "For a model without gradients, or to check the others without them."),
}
