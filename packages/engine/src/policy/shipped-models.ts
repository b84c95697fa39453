/** Policies with the weights that come with CloudAI; the cards beside the weights say what they were trained on. */
import order from '../../models/order.json' with { type: 'json' };
import placement from '../../models/placement.json' with { type: 'json' };
import { learnedPlacement } from './learned.ts';
import type { OrderModel } from './order-model.ts';
import { learnedOrder } from './orders/learned.ts';
import type { PlacementModel } from './placement-model.ts';

export const learned = learnedPlacement(placement.model as PlacementModel);
export const learnedOrdering = learnedOrder(order.model as OrderModel);
